"""How does one get in?"""

import sys

from recanal.cli.stopped import STOPPED, STOPPED_STATUS

try:
    from recanal.cli.main import main
except KeyboardInterrupt:  # Ctrl-C while the commands are loaded, before any of them could answer it
    sys.stderr.write(f"\n{STOPPED}\n")
    sys.exit(STOPPED_STATUS)

__all__ = ["main"]
