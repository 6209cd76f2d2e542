"""`python -m pyros_mqtt` is the command `pyros`."""

from pyros_mqtt.cli import main

if __name__ == "__main__":
    main()
