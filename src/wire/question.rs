//! The question of a query (RFC 1035 4.1.2).

use super::{Class, HEADER_LEN, QueryName, QueryNameError, RecordType};

/// What is asked of the name that was read beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// QTYPE.
    pub record_type: RecordType,
    /// QCLASS.
    pub class: Class,
    /// The offset behind the question: the message's octets from the header to here can be copied into an answer.
    pub end: usize,
}

/// Why a question cannot be read. Each is a FORMERR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuestionError {
    /// Its name cannot be read.
    #[error(transparent)]
    Name(#[from] QueryNameError),
    /// The message ends before type and class do.
    #[error("the message ends inside the question")]
    Truncated,
}

impl Question {
    /// Reads the first question of `message`, its name into `name`.
    #[expect(
        clippy::inline_always,
        reason = "one caller is each query's: what passes between the two stays in registers"
    )]
    #[inline(always)]
    pub fn read(message: &[u8], name: &mut QueryName) -> Result<Question, QuestionError> {
        let at = name.read(message, HEADER_LEN)?;
        let behind = message.get(at..).unwrap_or(&[]);
        let &[t0, t1, c0, c1] = behind.first_chunk::<4>().ok_or(QuestionError::Truncated)?;
        Ok(Question {
            record_type: RecordType(u16::from_be_bytes([t0, t1])),
            class: Class(u16::from_be_bytes([c0, c1])),
            end: at.saturating_add(4),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_ends_behind_its_class() {
        let mut name = QueryName::new();
        let message = b"............\x01A\0\0\x21\0\x01tail";
        let question = Question::read(message, &mut name).unwrap();
        assert_eq!(question, Question { record_type: RecordType::SRV, class: Class::IN, end: 19 });
        assert_eq!(name.as_wire(), b"\x01a\0");
        for length in 0..19 {
            let error = Question::read(&message[..length], &mut name).unwrap_err();
            let expected = match length {
                15.. => QuestionError::Truncated,
                _ => QuestionError::Name(QueryNameError::Truncated),
            };
            assert_eq!(error, expected, "{length}");
        }
    }
}
