# SPDX-License-Identifier: Apache-2.0
"""What ``contrib/`` gives to cron and systemd."""
