//! Compression of pages, for the codecs whose pages are edited in place.
//!
//! Absent: LZO, Brotli and both LZ4; chunks in these are decoded and encoded by the Parquet library. The level of a codec
//! is not stated in a file, so pages that change are compressed at the level the Parquet library takes.

use std::io::{Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe;

const ZSTD_LEVEL: i32 = 1;

/// One codec with what it reuses from page to page.
pub(super) enum Codec {
    None,
    Snappy,
    Gzip,
    Zstd { compress: Box<Compressor<'static>>, decompress: Box<Decompressor<'static>> },
}

impl Codec {
    /// The codec with number `codec` in the format, if pages of it can be edited.
    ///
    /// # Errors
    /// When its state cannot be allocated.
    pub(super) fn numbered(codec: i64) -> std::io::Result<Option<Self>> {
        Ok(Some(match codec {
            0 => Self::None,
            1 => Self::Snappy,
            2 => Self::Gzip,
            6 => Self::Zstd {
                compress: Box::new(Compressor::new(ZSTD_LEVEL)?),
                decompress: Box::new(Decompressor::new()?),
            },
            _ => return Ok(None),
        }))
    }

    /// Puts what `input` holds into `out`, instead of what is there; `length` is what the page states.
    ///
    /// # Errors
    /// When `input` is not of this codec, or does not hold `length` bytes.
    pub(super) fn decompress(&mut self, input: &[u8], length: usize, out: &mut Vec<u8>) -> std::io::Result<()> {
        out.clear();
        // A page without values may have no compressed bytes at all.
        if length > 0 {
            match self {
                Self::None => out.extend_from_slice(input),
                Self::Snappy => {
                    if snap::raw::decompress_len(input).map_err(std::io::Error::other)? != length {
                        return Err(std::io::Error::other("the page does not hold the bytes that it states"));
                    }
                    out.resize(length, 0);
                    snap::raw::Decoder::new().decompress(input, out).map_err(std::io::Error::other)?;
                }
                Self::Gzip => {
                    let limit = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
                    MultiGzDecoder::new(input).take(limit).read_to_end(out)?;
                }
                Self::Zstd { decompress, .. } => {
                    out.reserve(length);
                    decompress.decompress_to_buffer(input, out)?;
                }
            }
        }
        if out.len() == length {
            Ok(())
        } else {
            Err(std::io::Error::other("the page does not hold the bytes that it states"))
        }
    }

    /// Puts `input`, compressed, into `out`, instead of what is there.
    ///
    /// # Errors
    /// When the codec fails, which it does for want of memory only.
    pub(super) fn compress(&mut self, input: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
        out.clear();
        match self {
            Self::None => out.extend_from_slice(input),
            Self::Snappy => {
                out.resize(snap::raw::max_compress_len(input.len()), 0);
                let length = snap::raw::Encoder::new().compress(input, out).map_err(std::io::Error::other)?;
                out.truncate(length);
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(std::mem::take(out), flate2::Compression::default());
                encoder.write_all(input)?;
                *out = encoder.finish()?;
            }
            Self::Zstd { compress, .. } => {
                out.reserve(zstd_safe::compress_bound(input.len()));
                compress.compress_to_buffer(input, out)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_gives_back_what_it_took() {
        let inputs: [&[u8]; 3] = [b"", b"x", &b"abcabcabd".repeat(10_000)];
        for number in [0, 1, 2, 6] {
            let mut codec = Codec::numbered(number).unwrap().unwrap();
            for input in inputs {
                let (mut packed, mut out) = (Vec::new(), Vec::new());
                codec.compress(input, &mut packed).unwrap();
                codec.decompress(&packed, input.len(), &mut out).unwrap();
                assert_eq!(out, input, "codec {number}");
                assert!(codec.decompress(&packed, input.len() + 1, &mut out).is_err(), "codec {number}");
            }
        }
        assert!(Codec::numbered(4).unwrap().is_none());
    }
}
