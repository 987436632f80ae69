//! The headers of encrypted streams: as documented, and every way to be no header. What follows them is TypeScript's
//! (`js/src/engine/stream-format.ts`).

use proptest::prelude::*;
use vault_core::Code;
use vault_core::stream::{CHUNK_MAX, CHUNK_MIN, Header, KEYS_MAX};

fn header() -> Header {
    Header { chunk_bytes: 1024, nonce_prefix: [1, 2, 3, 4, 5, 6, 7], keys: b"WOS.EKM.v1\0blob".to_vec() }
}

#[test]
fn the_header_is_as_documented() {
    let written = header().write().unwrap();
    assert_eq!(&written[..7], b"WVSTRM\x01");
    assert_eq!(&written[7..11], &[0, 0, 4, 0], "the chunk size, big-endian");
    assert_eq!(&written[11..18], &[1, 2, 3, 4, 5, 6, 7], "the nonce prefix");
    assert_eq!(written[18], 15, "the length of the keys");
    assert_eq!(&written[19..], b"WOS.EKM.v1\0blob");
    assert_eq!(Header::read(&written).unwrap(), Some((header(), written.len())));
    assert_eq!(u64::from(header().chunk_bytes), CHUNK_MIN);
    for length in 0..written.len() {
        assert_eq!(Header::read(&written[..length]).unwrap(), None, "{length} bytes");
    }
    let long = Header { keys: vec![7; KEYS_MAX], ..header() };
    let written = long.write().unwrap();
    assert_eq!(written.len(), 18 + 3 + KEYS_MAX);
    assert_eq!(Header::read(&written).unwrap(), Some((long.clone(), written.len())));
    assert!(Header { keys: vec![7; KEYS_MAX + 1], ..long }.write().is_err());
}

#[test]
fn what_is_no_stream_is_told() {
    let good = header().write().unwrap();
    let told = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed.splice(at..at + bytes.len(), bytes.iter().copied());
        let error = Header::read(&changed).unwrap_err();
        assert_eq!(error.code, Code::MalformedEnvelope);
        error.message
    };
    assert!(told(0, b"X").contains("does not begin"));
    assert!(told(5, b"X").contains("does not begin"));
    assert_eq!(
        Header::read(b"hello").unwrap_err().code,
        Code::MalformedEnvelope,
        "told as soon as it is seen"
    );
    assert!(told(6, &[2]).contains("its version is 2"));
    for size in [0, 1023, u32::try_from(CHUNK_MAX).unwrap() + 1, u32::MAX] {
        assert!(told(7, &size.to_be_bytes()).contains("chunk size"));
    }
    assert!(told(18, &[0]).contains("no bytes"));
    assert!(told(18, &[0x80, 0]).contains("shortest form"));
    assert!(told(18, &[0x81, 0x80, 0x04]).contains("more than 65,536"));
    assert!(told(18, &[0xff; 5]).contains("more than 5 bytes"));
}

proptest! {
    #[test]
    fn any_bytes_are_a_header_or_go_on_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), begins: bool, at in 0_usize..80) {
        let mut bytes = bytes;
        if begins {
            bytes.splice(0..0, header().write().unwrap().into_iter().take(at));
        }
        match Header::read(&bytes) {
            Ok(Some((header, length))) => prop_assert_eq!(header.write().unwrap(), &bytes[..length]),
            Ok(None) => {}
            Err(error) => prop_assert_eq!(error.code, Code::MalformedEnvelope),
        }
    }
}
