"""The stores that specs are published to: one module each, all with the methods of `port.Store`."""
