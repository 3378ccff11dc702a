//! What stands around every page.

use super::super::process;
use super::super::state::State;
use maud::{DOCTYPE, Markup, html};

/// A page's surroundings.
pub(super) struct Frame<'a> {
    pub(super) state: &'a State,
    pub(super) title: &'a str,
    /// The path of the entry of the menu that this is.
    pub(super) here: Option<&'static str>,
    /// What was asked to be explained.
    pub(super) asked: &'a str,
}

const MENU: [(&str, &str); 3] = [("/", "Overview"), ("/sets", "Sets"), ("/explain", "Explain")];

/// What programs read.
const ELSEWHERE: [(&str, &str); 4] = [
    ("/api/v1/status", "Status as JSON"),
    ("/api/v1/broken", "Objects that do not parse"),
    ("/config", "Settings in force"),
    ("/metrics", "Metrics"),
];

impl Frame<'_> {
    /// The whole page.
    pub(super) fn page(&self, body: &Markup) -> Markup {
        let host = process::host();
        let ready = self.state.world.readiness().ready;
        let now = jiff::Timestamp::now();
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { (self.title) " · rosterd" @if !host.is_empty() { " on " (host) } }
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/assets/style.css";
                    script src="/assets/live.js" defer {}
                }
                body {
                    a class="skip" href="#main" { "Skip to the content" }
                    header {
                        div class="brand" {
                            a href="/" { "rosterd" }
                            span class="faint" { (env!("CARGO_PKG_VERSION")) @if !host.is_empty() { " on " (host) } }
                        }
                        nav aria-label="Pages" {
                            ul {
                                @for (path, name) in MENU {
                                    li { a href=(path) aria-current=[(self.here == Some(path)).then_some("page")] { (name) } }
                                }
                            }
                        }
                        form role="search" action="/explain" method="get" {
                            label for="ask" class="unseen" { "A set, a name or an address to explain" }
                            input id="ask" name="name" type="search" required maxlength="300" autocomplete="off"
                                spellcheck="false" autocapitalize="none"
                                placeholder="myapp.default, 10.0.0.1 …" value=(self.asked);
                            button { "Explain" }
                        }
                    }
                    main id="main" tabindex="-1" data-ready=(ready) {
                        (body)
                    }
                    footer {
                        p {
                            span id="live" role="status" aria-live="polite" {}
                            " "
                            button id="pause" type="button" hidden { "Pause" }
                            " "
                            span id="asof" { "As of " time datetime=(now) { (format_args!("{now:.0}")) } "." }
                            noscript { " Reload the page to see what has changed." }
                        }
                        nav aria-label="For programs" {
                            ul { @for (path, name) in ELSEWHERE { li { a href=(path) { (name) } } } }
                        }
                    }
                }
            }
        }
    }
}
