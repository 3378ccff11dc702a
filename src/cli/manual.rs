//! `rosterd completions` and `rosterd man`: the definitions of the command line as shells and readers of manuals have them.

use super::arguments::{Arguments, CompletingShell};
use super::{Failure, print};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

/// Prints what makes a shell complete.
pub(super) fn completions(shell: CompletingShell) -> Result<(), Failure> {
    let shell = match shell {
        CompletingShell::Bash => Shell::Bash,
        CompletingShell::Zsh => Shell::Zsh,
        CompletingShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), env!("CARGO_PKG_NAME"), &mut script);
    print::results(|out| out.write_all(&script))
}

/// Prints the page of the program, or of one of its commands, in the language of man(7).
pub(super) fn page(of: Option<&str>) -> Result<(), Failure> {
    let mut program = Arguments::command();
    // Gives commands the names that their pages have: rosterd-serve(1).
    program.build();
    let command = match of {
        None => program,
        Some(name) => {
            let names =
                || program.get_subcommands().map(clap::Command::get_name).collect::<Vec<_>>().join(", ");
            let unknown = || Failure::Failed(format!("no command is called {name:?}; there are {}", names()));
            program.find_subcommand(name).cloned().ok_or_else(unknown)?
        }
    };
    let page = Man::new(command).source(concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")));
    print::results(|out| page.render(out))
}
