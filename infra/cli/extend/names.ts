import { UsageError } from '../../project/usage-error.ts'

/** A name in the spellings that code uses. */
export interface Name {
  /** In files, URLs and secrets: `acme-desk`. */
  kebab: string
  /** The name of a constant: `acmeDesk`. */
  camel: string
  /** The name of a type, or a part of a name: `AcmeDesk`. */
  pascal: string
  /** For people: `Acme Desk`. */
  title: string
}

const KEBAB = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const MAX_NAME = 40

/**
 * Returns a name in all spellings.
 *
 * @param title the display name, if the words of the name do not give it: `ServiceNow`
 * @throws UsageError with a suggestion
 */
export function newName(text: string, title?: string): Name {
  if (!KEBAB.test(text) || text.length > MAX_NAME) {
    const parts = text
      .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
      .toLowerCase()
      .split(/[^a-z0-9]+/)
    const suggestion = parts
      .join('-')
      .replace(/^[-0-9]+|-+$/g, '')
      .slice(0, MAX_NAME)
    throw new UsageError(
      `Invalid name "${text}". Use up to ${MAX_NAME} characters of a-z, 0-9 and single dashes, and start with a letter${KEBAB.test(suggestion) ? `, such as ${suggestion}` : ''}.`,
    )
  }
  if (title !== undefined && !/^[A-Za-z0-9][\w .+-]{0,60}$/.test(title))
    throw new UsageError(`Invalid title "${title}". Use letters, digits, spaces, dots, + and -.`)
  const words = text.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  const pascal = words.join('')
  return {
    kebab: text,
    pascal,
    camel: pascal.charAt(0).toLowerCase() + pascal.slice(1),
    title: title ?? words.join(' '),
  }
}
