import { blank, type Fragment, hide, hideCode, type Place } from './fragment.ts'

/** Returns the fragments of a file that is not a program, and none for a format that has no prose. */
export function readText(path: string, source: string): Fragment[] {
  const extension = path.slice(path.lastIndexOf('.') + 1)
  if (extension === 'md') return markdown(source)
  if (extension === 'json') return json(source)
  if (extension === 'css') return matches(source, /\/\*[\s\S]*?\*\//g, 'comment')
  if (extension === 'html') return [{ place: 'string', text: source.replace(/<[^>]*>/g, hide), start: 0 }]
  if (['yaml', 'yml'].includes(extension))
    return [...hashComments(source), ...matches(source, /(?<=^[^#\n]*:\s+)[^#\n]*[^#\s] +[^#\s][^#\n]*/gm, 'string')]
  if (extension === 'sh' || path === '.ci/run') return hashComments(source)
  return []
}

/** Paragraphs, list items, cells and headings. Code is excluded, the comments in it are not. */
function markdown(source: string): Fragment[] {
  const fences = /^([ \t]*)(```+|~~~+)[^\n]*\n[\s\S]*?^[ \t]*\2[ \t]*$/gm
  const generated = /<!-- ([\w-]+): made by npm run docs -->[\s\S]*?<!-- \/\1 -->/g
  const prose = source.replace(generated, blank).replace(fences, (text) => blank(text).replace(/ (?=\n|$)/, '¤'))
  const text = prose.replace(/\]\([^)\n]*\)/g, hide).replace(/<!--[\s\S]*?-->|<[^>\n]*>/g, hide)
  return [
    ...matches(text, /(?:[^\n|]*\S[^\n|]*(?:\n(?![ \t]*(?:[-*|#>¤]|\d+\.|\n)))?)+/g, 'markdown'),
    ...[...source.matchAll(fences)].flatMap(({ 0: fence, index }) =>
      matches(fence, /(?<=(?:^|\s)(?:#|\/\/) )[^\n]*/g, 'comment').map((found) => ({
        ...found,
        start: found.start + index,
      })),
    ),
  ]
}

/** Values with spaces. Keys and other values belong to a platform or are checked where they are declared. */
function json(source: string): Fragment[] {
  const isKey = ({ text, start }: Fragment) => /^\s*:/.test(source.slice(start + text.length))
  return matches(source, /"(?:[^"\\]|\\.)*"/g, 'string').filter((value) => /\s/.test(value.text) && !isKey(value))
}

function hashComments(source: string): Fragment[] {
  return matches(source, /(?<=^|[ \t])#[^\n]*/gm, 'comment').map((fragment) => ({
    ...fragment,
    text: fragment.text.replace(/^#+/, blank),
  }))
}

function matches(source: string, pattern: RegExp, place: Place): Fragment[] {
  return [...source.matchAll(pattern)].map(({ 0: text, index }) => ({ place, text: hideCode(text), start: index }))
}
