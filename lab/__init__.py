# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: throw-away Debian hosts with systemd and sshd on one machine.

It runs before anything is installed, so it uses the standard library only:
`python3 -m lab up`, `status`, `publish`, `down`. The demonstration, Molecule and
the integration tests all use these same hosts.
"""
