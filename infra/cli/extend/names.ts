import { UsageError } from '../usage-error.ts'

/** A name in each way in which code writes it. */
export interface Name {
  /** In files, URLs and secrets: `acme-desk`. */
  kebab: string
  /** As a constant: `acmeDesk`. */
  camel: string
  /** As a type, or a part of a name: `AcmeDesk`. */
  pascal: string
  /** For people: `Acme Desk`. */
  title: string
}

const kebab = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/
const longest = 40

/**
 * @param title for people, where the words alone are not how it is written: `ServiceNow`
 * @throws UsageError that says what to write
 */
export function newName(text: string, title?: string): Name {
  if (!kebab.test(text) || text.length > longest) {
    const parts = text
      .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
      .toLowerCase()
      .split(/[^a-z0-9]+/)
    const instead = parts
      .join('-')
      .replace(/^[-0-9]+|-+$/g, '')
      .slice(0, longest)
    throw new UsageError(
      `"${text}" can not be a name: write up to ${longest} of a-z, 0-9 and single dashes, a letter first${kebab.test(instead) ? `, such as ${instead}` : ''}.`,
    )
  }
  if (title !== undefined && !/^[A-Za-z0-9][\w .+-]{0,60}$/.test(title))
    throw new UsageError(`"${title}" can not be a title: write letters, digits, spaces, dots, + and -.`)
  const words = text.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1))
  const pascal = words.join('')
  return {
    kebab: text,
    pascal,
    camel: pascal.charAt(0).toLowerCase() + pascal.slice(1),
    title: title ?? words.join(' '),
  }
}
