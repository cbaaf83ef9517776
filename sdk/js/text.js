// Text as bytes in UTF-8, and back: some JavaScript engines that components are made with have no TextDecoder.

// A string of bytes; what is no UTF-8 becomes U+FFFD.
export function decode(bytes) {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at++];
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    let point = first >= 0xc2 && first < 0xf5 ? first & (0x3f >> more) : -1;
    for (let count = 0; point >= 0 && count < more; count++) {
      const next = bytes[at];
      // The second byte says whether the form is too long, a surrogate, or beyond Unicode.
      const least = count > 0 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
      const most = count > 0 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
      if (!(next >= least && next <= most)) point = -1;
      else {
        point = (point << 6) | (next & 0x3f);
        at++;
      }
    }
    text += point < 0 ? "\ufffd" : String.fromCodePoint(point);
  }
  return text;
}

// The bytes of a string; half of a surrogate pair becomes U+FFFD.
export function encode(text) {
  const bytes = [];
  for (const each of text) {
    let point = each.codePointAt(0);
    if (point >= 0xd800 && point < 0xe000) point = 0xfffd;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else {
      bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f));
      bytes.push(0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    }
  }
  return Uint8Array.from(bytes);
}
