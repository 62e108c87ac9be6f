// Reads MessagePack (https://msgpack.org) as engine/document.py writes it: no extension types. Numbers that JavaScript
// cannot hold exactly do not occur there; NaN and infinities arrive as themselves.

const utf8 = new TextDecoder();

export function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  const size = (width) => {
    const value = width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at) : view.getUint32(at);
    at += width;
    return value;
  };
  const slice = (length) => {
    const part = bytes.subarray(at, at + length);
    at += length;
    return part;
  };
  const text = (length) => utf8.decode(slice(length));
  const list = (length) => {
    const items = new Array(length);
    for (let place = 0; place < length; place++) items[place] = read();
    return items;
  };
  const map = (length) => {
    const entries = {};
    for (let place = 0; place < length; place++) {
      const key = read();
      Object.defineProperty(entries, key, { value: read(), enumerable: true, configurable: true, writable: true });
    }
    return entries;
  };
  const number = (method, width) => {
    const value = view[method](at);
    at += width;
    return Number(value);
  };

  function read() {
    const head = view.getUint8(at++);
    if (head < 0x80) return head;
    if (head < 0x90) return map(head & 0x0f);
    if (head < 0xa0) return list(head & 0x0f);
    if (head < 0xc0) return text(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return slice(size(1));
      case 0xc5: return slice(size(2));
      case 0xc6: return slice(size(4));
      case 0xca: return number("getFloat32", 4);
      case 0xcb: return number("getFloat64", 8);
      case 0xcc: return size(1);
      case 0xcd: return size(2);
      case 0xce: return size(4);
      case 0xcf: return number("getBigUint64", 8);
      case 0xd0: return number("getInt8", 1);
      case 0xd1: return number("getInt16", 2);
      case 0xd2: return number("getInt32", 4);
      case 0xd3: return number("getBigInt64", 8);
      case 0xd9: return text(size(1));
      case 0xda: return text(size(2));
      case 0xdb: return text(size(4));
      case 0xdc: return list(size(2));
      case 0xdd: return list(size(4));
      case 0xde: return map(size(2));
      case 0xdf: return map(size(4));
      default: throw new Error(`MessagePack: byte ${head} at ${at - 1}`);
    }
  }
  return read();
}
