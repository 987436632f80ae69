//! The documentation has a section for each code, and what it says to do is what errors say.

use vault_core::Code;

#[test]
fn each_code_has_a_section_with_its_recovery() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md")).unwrap();
    let sections: Vec<_> = page.split("\n## ").skip(1).collect();
    let named: Vec<_> = sections.iter().map(|section| section.lines().next().unwrap()).collect();
    assert_eq!(named, Code::ALL.map(Code::as_str));
    for (code, section) in Code::ALL.into_iter().zip(sections) {
        let end = section.trim_end().lines().last().unwrap();
        assert_eq!(end, code.recovery(), "{}", code.as_str());
    }
}
