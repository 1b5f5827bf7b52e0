//! What people write to be shown to others: names and lines of chat. It is plain text, and stays it: `<b>` is three
//! characters, here and on the page.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A text as it is shown: in one form of Unicode (NFC), single spaces, no control characters, nothing invisible and nothing
/// that turns the writing direction. Empty if nothing is left that shows.
#[must_use]
pub fn plain(text: &str) -> String {
    let visible = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|&c| !c.is_control() && !is_invisible(c));
    let composed: String = visible.nfc().collect();
    let words = composed.split(' ').filter(|word| !word.is_empty());
    let plain = words.collect::<Vec<_>>().join(" ");
    if plain.chars().all(|c| c == ' ' || is_combining_mark(c)) {
        return String::new();
    }
    plain
}

/// Characters that show nothing or reorder others: joiners, fillers, marks and isolates of direction, tags, the choice of
/// another form but for that of emoji, and what is no character at all.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || c as u32 & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written, and what is shown.
    const TEXTS: [(&str, &str); 33] = [
        ("Anna", "Anna"),
        ("  Anna   B.\t\n", "Anna B."),
        (
            "a\r\nb\u{85}c\u{2028}d\u{2029}e\u{a0}f\u{3000}g",
            "a b c d e f g",
        ),
        ("An\u{0}na\u{1b}[31m\u{7f}\u{9b}", "Anna[31m"),
        ("\u{202e}annA\u{202c}", "annA"),
        ("a\u{202a}b\u{202b}c\u{202d}d", "abcd"),
        ("a\u{2066}b\u{2067}c\u{2068}d\u{2069}e", "abcde"),
        ("a\u{200e}b\u{200f}c\u{61c}d", "abcd"),
        ("A\u{200b}n\u{feff}n\u{2060}a\u{200c}\u{200d}", "Anna"),
        ("so\u{ad}ft", "soft"),
        ("a\u{34f}b\u{180e}c\u{180b}d\u{17b4}e", "abcde"),
        ("a\u{e0041}\u{e007f}b\u{e0100}", "ab"),
        ("a\u{fffc}b\u{fff9}c\u{ffff}d\u{fdd0}", "abcd\u{fdd0}"),
        ("a\u{1d173}b\u{1bca0}c", "abc"),
        ("\u{3164}\u{2800}\u{115f}\u{1160}\u{ffa0} \u{200d}", ""),
        ("", ""),
        (" \n ", ""),
        ("\u{fe0f}\u{fe0f}", ""),
        ("\u{301}\u{302}", ""),
        ("<b>Anna</b>", "<b>Anna</b>"),
        (
            "<img src=x onerror=alert(1)>",
            "<img src=x onerror=alert(1)>",
        ),
        ("&lt;script&gt; &amp; \" '", "&lt;script&gt; &amp; \" '"),
        (
            "javascript:alert(1) https://a.example",
            "javascript:alert(1) https://a.example",
        ),
        ("A\u{30a}ngstro\u{308}m", "\u{c5}ngstr\u{f6}m"),
        ("\u{212b}", "\u{c5}"),
        ("e\u{200b}\u{301}", "\u{e9}"),
        ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
        ("\u{fb01}", "\u{fb01}"),
        ("q\u{323}\u{307}", "q\u{323}\u{307}"),
        ("q\u{307}\u{323}", "q\u{323}\u{307}"),
        ("Äöü 你好 👋 ❤\u{fe0f}", "Äöü 你好 👋 ❤\u{fe0f}"),
        ("שלום مرحبا", "שלום مرحبا"),
        ("e2e4?! ±  ♔", "e2e4?! ± ♔"),
    ];

    #[test]
    fn texts_are_plain() {
        for (written, shown) in TEXTS {
            // The one non-character of its kind in the middle of the plane stays: it shows as a box.
            assert_eq!(plain(written), shown, "{written:?}");
        }
    }

    #[test]
    fn a_plain_text_is_plain() {
        let planes = (0..0x2_0000_u32).chain(0xe_0000..0xe_1000);
        for c in planes.filter_map(char::from_u32) {
            let once = plain(&format!("a{c}b\u{301}"));
            assert_eq!(plain(&once), once, "{c:?}");
            let bad =
                |c: char| c.is_control() || is_invisible(c) || (c.is_whitespace() && c != ' ');
            assert!(!once.contains(bad), "{c:?}");
        }
    }
}
