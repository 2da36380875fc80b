# SPDX-License-Identifier: Apache-2.0
"""Completion in the shells themselves, with the script that ``completion`` prints."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nova_decom.state.name_cache import CachedNames

PROGRAMS = Path(sys.executable).parent
BASH = """
source <(nova-decom completion bash)
COMP_WORDS=(nova-decom remove node) COMP_CWORD=2
_nova_decom_completion nova-decom
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = """
nova-decom completion fish | source
complete --do-complete 'nova-decom remove node'
"""
#: A terminal of zsh's own, in which TAB is pressed twice: to complete, and to list.
ZSH = """
zmodload zsh/zpty
zpty -b inner zsh -f -i
zpty -w inner "PS1=; TERM=dumb; autoload -Uz compinit && compinit -u -d $HOME/dump"
zpty -w inner 'source <(nova-decom completion zsh); echo rea''dy'
zpty -r -m inner line '*ready*'
zpty -w -n inner $'nova-decom remove node\\t\\t'
zpty -r -m inner line '*node1*node2*'
print -r -- ${line}
zpty -d inner
"""


@pytest.mark.parametrize(
    "shell",
    [["bash", "-c", BASH], ["fish", "--no-config", "-c", FISH], ["zsh", "-f", "-c", ZSH]],
    ids=["bash", "fish", "zsh"],
)
def test_a_shell_completes_hosts(shell: list[str], tmp_path: Path) -> None:
    """After the script was sourced, TAB offers the hosts that were seen last."""
    CachedNames(tmp_path / "state", "hosts").keep("", ["node1", "node2", "other"])

    done = subprocess.run(
        shell,
        env={
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "NOVA_DECOM_STATE_DIR": str(tmp_path / "state"),
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    offered = {word for word in done.stdout.replace("\t", " ").split() if word[-1:].isdigit()}
    assert offered == {"node1", "node2"}, done.stdout
