"""What a service finds around it on Fastly, in plain Python: stores, backends, clients, logs, and a host that runs it.

Nothing here knows how the service runs. `devhost/embedded` binds these objects to the built component,
`devhost/native` to the service's source on this Python.
"""
