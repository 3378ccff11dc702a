//! Any text as a settings file: refused with reasons, or in force; and what is shown of it reads back the same.

use rosterd::config::{File, Settings, Sources, load};

/// Reads an input.
pub fn check(input: &[u8]) {
    // `File::read` refuses what is not UTF-8.
    let Ok(text) = std::str::from_utf8(input) else { return };
    let read = |text: &str| {
        let file = File { path: "/etc/rosterd/rosterd.toml".into(), text: text.to_owned() };
        load(&Sources { file: Some(file), ..Sources::default() })
    };
    match read(text) {
        Err(errors) => assert!(!errors.to_string().is_empty()),
        Ok(effective) => {
            let shown = effective.show().to_string();
            let again = read(&shown).unwrap_or_else(|errors| panic!("{shown}\n{errors}"));
            let [before, after]: [Settings; 2] = [effective.settings, again.settings];
            assert_eq!(before, after, "{shown}");
        }
    }
}
