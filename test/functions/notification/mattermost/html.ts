import { marked } from 'marked'

/** Returns Markdown as HTML, as Mattermost shows it. */
export function html(markdown: string): string {
  return marked.parse(markdown, { async: false, gfm: true, breaks: true })
}
