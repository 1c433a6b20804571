/** The state that a message reports. Platforms show it as a color, an emoji or a word. */
export type Mood = 'good' | 'warning' | 'bad' | 'neutral' | 'waiting'

/** A message for people, independent of the platform. All texts are plain: each platform escapes and shortens them. */
export interface Message {
  mood: Mood
  /** One line. */
  title: string
  /** Paragraphs, separated by empty lines. */
  text?: string | undefined
  fields: Field[]
  /** For example the objectives of an evaluation. */
  table?: Table | undefined
  /** The first is the main link. Always http or https. */
  links: Link[]
  /** Only in a request for an approval that is still open. */
  buttons?: MessageButton[] | undefined
}

/** A name and its value, such as the project. */
export interface Field {
  name: string
  value: string
}

/** A table in a message. The mood of a row becomes an icon or a color. */
export interface Table {
  columns: string[]
  rows: { mood: Mood; cells: string[] }[]
}

/** A link in a message. */
export interface Link {
  label: string
  url: string
}

/** A button that records a decision. */
export interface MessageButton {
  decision: 'approve' | 'reject'
  label: string
  /** The value of a button of the platform: signed, at most 300 characters of A-Z a-z 0-9 - _ and dots. */
  token: string
  /** The page where people decide, for a platform without buttons. The same for all buttons. */
  url: string
}
