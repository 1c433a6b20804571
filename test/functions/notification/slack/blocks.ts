/** The parts of a message in Slack's format. */
export const rich = (...elements: object[]) => ({
  type: 'rich_text',
  elements: [{ type: 'rich_text_section', elements }],
})
export const text = (text: string) => ({ type: 'text', text })
export const bold = (text: string) => ({ type: 'text', text, style: { bold: true } })
export const linked = (url: string, text: string) => ({ type: 'link', url, text })
export const plainText = (text: string) => ({ type: 'plain_text', text, emoji: false })
