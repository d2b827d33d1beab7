"""Stands here so that every test can import the plain modules of this folder, such as `postgres`."""

from trunkline.node.preflight import extend_path

# Debian has kamailio in /usr/sbin, which is not in the PATH of an ordinary user. `trunkline up` looks there, too.
extend_path()
