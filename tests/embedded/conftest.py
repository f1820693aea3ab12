from devhost.embedded.plugin import gatelet, start_gatelet

__all__ = ["gatelet", "start_gatelet"]
