"""teller completion: what a shell needs to complete commands and options."""

from typing import Annotated, Literal

from cyclopts import Parameter

from cli.exits import WELL


def completion(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="the shell")], /) -> int:
    """Print the completion of a shell.

    bash: `source <(teller completion bash)` in ~/.bashrc. zsh: `teller completion zsh > ~/.zfunc/_teller`, with that folder in
    fpath before compinit. fish: `teller completion fish > ~/.config/fish/completions/teller.fish`.
    """
    from cli.app import build

    print(build().generate_completion(prog_name="teller", shell=shell))
    return WELL
