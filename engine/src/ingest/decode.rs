//! Opens an object's bytes: gzip, Zstandard or plain, told apart by content and never by name.
//!
//! An error of the input is kept apart from an error of the coding: [`input_failed`] is true only for
//! the first, which a retry may cure; everything else means the object itself is damaged or cut off.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// A skippable frame, which `pzstd` and seekable writers put first: `5? 2a 4d 18`.
const ZSTD_SKIPPABLE: &[u8] = &[0x2a, 0x4d, 0x18];
const BUFFER_BYTES: usize = 64 * 1024;

/// The uncompressed bytes of `input`.
///
/// A gzip stream may have several members, a Zstandard stream several frames. A stream that is cut
/// off gives `UnexpectedEof` at the read that meets its end, after all bytes before it.
///
/// # Errors
/// When the first bytes cannot be read or the decoder cannot be made.
pub(crate) fn decoded<'a>(input: Box<dyn Read + Send + 'a>) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut input = Input(input);
    let mut magic = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut magic)?;
    let gzip = magic.starts_with(GZIP);
    let zstd = magic.starts_with(ZSTD) || (magic.first().is_some_and(|b| b >> 4 == 5) && magic[1..] == *ZSTD_SKIPPABLE);
    let whole = Cursor::new(magic).chain(input);
    if gzip {
        Ok(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, whole))))
    } else if zstd {
        Ok(Box::new(zstd::stream::read::Decoder::new(whole)?))
    } else {
        Ok(Box::new(whole))
    }
}

/// Whether an error that [`decoded`]'s reader gave came from its input and not from the coding.
pub(crate) fn input_failed(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<InputError>())
}

/// Marks errors of the input so that no decoder can hide them.
struct Input<R>(R);

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            kind => io::Error::new(kind, InputError(error)),
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("input could not be read")]
struct InputError(#[source] io::Error);

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        out.write_all(text).expect("writes");
        out.finish().expect("finishes")
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 3).expect("encodes")
    }

    /// Reads to the end or to the first error.
    fn read(bytes: Vec<u8>) -> (Vec<u8>, Option<io::ErrorKind>) {
        let mut out = Vec::new();
        let failed = decoded(Box::new(Cursor::new(bytes))).expect("opens").read_to_end(&mut out).err();
        (out, failed.map(|error| error.kind()))
    }

    #[track_caller]
    fn check(bytes: Vec<u8>, want: &[u8]) {
        assert_eq!(read(bytes), (want.to_vec(), None));
    }

    #[test]
    fn codings_are_told_apart_by_content() {
        check(b"{\"a\":1}".to_vec(), b"{\"a\":1}");
        check(Vec::new(), b"");
        check(b"{".to_vec(), b"{");
        check(b"P*M".to_vec(), b"P*M");
        check(gzip(b"one"), b"one");
        check([gzip(b"one,"), gzip(b""), gzip(b"two")].concat(), b"one,two");
        check(zstd(b"one"), b"one");
        check([zstd(b"one,"), zstd(b"two")].concat(), b"one,two");
        check([&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7][..], &zstd(b"one")].concat(), b"one");
    }

    #[test]
    fn a_cut_stream_gives_what_it_has_and_then_an_unexpected_end() {
        let text: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for whole in [gzip(&text), zstd(&text)] {
            let (out, failed) = read(whole[..whole.len() / 2].to_vec());
            assert_eq!(failed, Some(io::ErrorKind::UnexpectedEof));
            assert!(!out.is_empty() && text.starts_with(&out));
        }
        assert_eq!(read(gzip(b"one")[..9].to_vec()).1, Some(io::ErrorKind::UnexpectedEof));
        assert_eq!(read(gzip(b"one")[..12].to_vec()).1, Some(io::ErrorKind::UnexpectedEof));
    }

    #[test]
    fn an_error_of_the_input_is_not_an_error_of_the_coding() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let whole = gzip(&[b'x'; 100]);
        let mut cut = decoded(Box::new(Cursor::new(whole[..20].to_vec()).chain(Broken))).expect("opens");
        let error = cut.read_to_end(&mut Vec::new()).expect_err("fails");
        assert!(input_failed(&error) && error.kind() == io::ErrorKind::ConnectionReset);
        let mut cut = decoded(Box::new(Cursor::new(whole[..20].to_vec()))).expect("opens");
        assert!(!input_failed(&cut.read_to_end(&mut Vec::new()).expect_err("fails")));
    }
}
