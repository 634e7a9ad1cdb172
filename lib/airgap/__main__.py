"""``python -m airgap`` is ``airgap``."""

from airgap.cli import main

if __name__ == "__main__":
    main()
