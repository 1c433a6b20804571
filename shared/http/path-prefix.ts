/** A dot, slash or backslash in overlong UTF-8, which lenient servers decode. Valid UTF-8 never contains these bytes. */
const OVERLONG = /%c[01]|%e0%[89]|%f0%8/i

/**
 * Returns whether a server that decodes a path, even several times, could find a segment in it that leaves its prefix. Servlet
 * containers also treat `..;a` like `..`.
 *
 * @param path of a parsed URL
 */
export function mayLeavePrefix(path: string): boolean {
  for (let current = path; ; ) {
    if (OVERLONG.test(current) || current.split(/[\\/]/).some((segment) => /^\.{1,2}(?:;|$)/.test(segment))) return true
    const decoded = current.replace(/%(?:25|2e|2f|3b|5c)/gi, decodeURIComponent)
    if (decoded === current) return false
    current = decoded
  }
}
