# SPDX-License-Identifier: Apache-2.0
"""The tests of nova-decom."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # In the background of a shell that has no job control.
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    # Under nohup: go on without a terminal, but let the programs that are tested obey the signal.
    signal.signal(signal.SIGHUP, lambda *_: None)
