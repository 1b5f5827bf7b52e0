//! The binary: reads the settings and does what the command says.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use zeitnot::auth::keys::{Keys, KeysError};
use zeitnot::auth::token::Scope;
use zeitnot::auth::{Auth, User, display_name};
use zeitnot::config::{Cli, Command, ConfigError, KeysCommand, TokenArgs};
use zeitnot::{machine_time, node, telemetry};

/// The exit code of settings that cannot be used, EX_CONFIG of sysexits.h: to try again does not help.
const UNFIT_SETTINGS: u8 = 78;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::read(std::env::args_os()) {
        Ok(cli) => run(cli).await,
        Err(ConfigError::Usage(usage)) => usage.exit(),
        Err(error) => Err(error.into()),
    };
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr(), "zeitnot: {error:#}");
    if error.is::<ConfigError>() || error.is::<KeysError>() {
        ExitCode::from(UNFIT_SETTINGS)
    } else {
        ExitCode::FAILURE
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            telemetry::init(cli.config.log);
            let auth = Auth::new(Keys::load(&cli.config)?);
            Ok(node::run(cli.config, auth).await?)
        }
        Command::Keys {
            command: KeysCommand::New,
        } => print(&Keys::generate()),
        Command::Token(args) => {
            let auth = Auth::new(Keys::load(&cli.config)?);
            print(&format!("{}\n", token(&auth, args)?))
        }
    }
}

fn token(auth: &Auth, args: TokenArgs) -> anyhow::Result<String> {
    let scope: Scope = args.scope.join(" ").parse().context("--scope")?;
    let name = args.name.as_deref().unwrap_or(args.user.as_str());
    let user = User {
        name: display_name(name),
        id: args.user,
    };
    let issued = auth.issue(user, &scope, (machine_time(), args.ttl));
    Ok(issued.token.as_str().to_owned())
}

fn print(text: &str) -> anyhow::Result<()> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .context("print")
}
