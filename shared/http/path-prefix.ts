/** A dot, slash or backslash in overlong UTF-8, which lenient servers decode. Valid UTF-8 never contains these bytes. */
const OVERLONG = /%c[01]|%e0%[89]|%f0%8/i
/** The encoding of `%u002e`, which only IIS decodes. */
const UNICODE = /%u[\da-f]{4}/i
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for.
const CONTROL = /[\u0000-\u001f\u007f]/

/**
 * Returns whether a server that decodes a path, even several times, could find a segment in it that leaves its prefix. Servlet
 * containers also treat `..;a` like `..`.
 *
 * @param path of a parsed URL
 */
export function mayLeavePrefix(path: string): boolean {
  for (let current = path; ; ) {
    if ([OVERLONG, UNICODE, CONTROL].some((unsafe) => unsafe.test(current))) return true
    if (current.split(/[\\/]/).some((segment) => /^\.{1,2} *(?:;|$)/.test(segment))) return true
    // Only ASCII, because the bytes of other characters do not matter.
    const decoded = current.replace(/%[0-7][\da-f]/gi, decodeURIComponent)
    if (decoded === current) return false
    current = decoded
  }
}
