//! The binary: reads the settings and does what the command says.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use mimalloc::MiMalloc;
use zeitnot::auth::keys::Keys;
use zeitnot::auth::token::Scope;
use zeitnot::auth::{Auth, User, display_name};
use zeitnot::check::Line;
use zeitnot::config::{Cli, Command, Config, ConfigError, KeysCommand, TokenArgs};
use zeitnot::exit::Exit;
use zeitnot::{check, machine_time, node, telemetry};

/// A node makes and drops many small values on all its threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::read(std::env::args_os()) {
        Ok(cli) => run(cli).await,
        Err(ConfigError::Usage(usage)) => usage.exit(),
        Err(error) => Err(error.into()),
    };
    let error = match done {
        Ok(exit) => return exit,
        Err(error) => error,
    };
    // Nobody is left to tell if stderr is gone.
    let _ = writeln!(std::io::stderr(), "zeitnot: {error:#}");
    ExitCode::from(Exit::of(&error).code())
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            let mut config = cli.config;
            let name = node::name(&config);
            telemetry::init(config.log, &name);
            config.node_name = Some(name);
            let auth = Auth::new(Keys::load(&config)?);
            node::run(config, auth).await?;
        }
        Command::Check => return check(&cli.config).await,
        Command::Keys {
            command: KeysCommand::New,
        } => print(&Keys::generate())?,
        Command::Token(args) => {
            let auth = Auth::new(Keys::load(&cli.config)?);
            print(&format!("{}\n", token(&auth, args)?))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what was found out; the code is that with which a node would end.
async fn check(config: &Config) -> anyhow::Result<ExitCode> {
    let lines = check::run(config).await;
    for line in &lines {
        print(&format!("{line}\n"))?;
    }
    let refusal = lines.iter().find_map(Line::refusal);
    Ok(refusal.map_or(ExitCode::SUCCESS, |exit| ExitCode::from(exit.code())))
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
