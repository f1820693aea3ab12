"""The commands, a module each: what they are asked with, what they print, how they end."""
