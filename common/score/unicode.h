/* Unicode for the tokeniser: lower case, and a class for each character, which is one byte of what the scanner reads. */
#ifndef TROUPE_SCORE_UNICODE_H
#define TROUPE_SCORE_UNICODE_H

#include <stdint.h>

#include "common/base/utf8.h"

/* Classes beyond ASCII, whose characters are their own class; 0x80.. so that they fit in a byte of their own. */
typedef enum UnicodeClass {
  UNICODE_SPACE = ' ',
  UNICODE_LETTER = 0x80,
  UNICODE_MARK, /* a letter, but not behind a digit */
  UNICODE_SIGN, /* a word of its own */
  UNICODE_GONE, /* removed: between words */
  UNICODE_SOFT, /* soft hyphen: removed inside a word */
  UNICODE_HYPHEN,
  UNICODE_POINT,      /* decimal separators of Arabic */
  UNICODE_SLASH,      /* of fractions */
  UNICODE_APOSTROPHE, /* a right single quotation mark */
  UNICODE_BACKQUOTE,  /* a left one */
  UNICODE_LEFT_ANGLE,
  UNICODE_RIGHT_ANGLE,
  UNICODE_LEFT_QUOTE, /* double */
  UNICODE_RIGHT_QUOTE,
  UNICODE_LOW_QUOTE,
  UNICODE_DASH,
  UNICODE_ELLIPSIS,
  UNICODE_DOLLAR, /* what is written "$" */
  UNICODE_CENT,
  UNICODE_POUND,
  UNICODE_QUARTER,
  UNICODE_HALF,
  UNICODE_THREE_QUARTERS,
  UNICODE_THIRD,
  UNICODE_TWO_THIRDS,
  UNICODE_NO_BREAK,   /* a no-break space */
  UNICODE_WIDE_SPACE, /* other spaces */
} UnicodeClass;

/* The scanner's byte for a character. Control characters are spaces. */
unsigned char unicode_class(uint32_t code);
/* One character for one; the capital sigma's form at a word's end is the caller's. */
uint32_t unicode_lower(uint32_t code);

#endif
