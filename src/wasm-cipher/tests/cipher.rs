//! The cipher as a module, in Node and in Chromium.

use js_sys::Uint8Array;
use vault_cipher_wasm::OwnKey;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

fn array(value: Result<JsValue, JsValue>) -> Vec<u8> {
    value.unwrap().unchecked_into::<Uint8Array>().to_vec()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

#[wasm_bindgen_test]
fn it_seals_and_opens() {
    // NIST's GCM test case 16 ("The Galois/Counter Mode of Operation", appendix B).
    let key = OwnKey::of(&Uint8Array::from(
        &bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")[..],
    ))
    .unwrap();
    let nonce = bytes("cafebabefacedbaddecaf888");
    let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plain = bytes(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    );
    let sealed = array(key.seal(&nonce, &aad, &Uint8Array::from(&plain[..])));
    let (ciphertext, tag) = sealed.split_at(plain.len());
    assert_eq!(
        ciphertext,
        bytes(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        )
    );
    assert_eq!(tag, bytes("76fc6ece0f4e1768cddf8853bb2d551b"));
    let ciphertext = Uint8Array::from(ciphertext);
    assert_eq!(array(key.open(&nonce, &aad, &ciphertext, tag)), plain);
    assert!(key.open(&nonce, b"other", &ciphertext, tag).unwrap().is_undefined());
    assert!(key.open(&nonce, &aad, &ciphertext, &tag[1..]).unwrap().is_undefined());
    assert!(key.open(&nonce[1..], &aad, &ciphertext, tag).unwrap().is_undefined());
    assert!(key.seal(&nonce[1..], &aad, &ciphertext).unwrap().is_undefined());
}

#[wasm_bindgen_test]
fn a_key_has_32_bytes() {
    for length in [0, 16, 31, 33] {
        assert!(OwnKey::of(&Uint8Array::new_with_length(length)).is_none(), "{length}");
    }
}
