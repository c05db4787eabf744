"""How does one get in?"""

from recanal.cli.main import main

__all__ = ["main"]
