const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/gu
/** White space, and the Braille pattern without dots, which looks the same. */
const SPACES = /[\s\u2800]+/g

/** Returns the name of a project, stage or service as people see it: without invisible characters and needless spaces. */
export function visibleName(name: string): string {
  return name.toWellFormed().replace(SPACES, ' ').replace(INVISIBLE, '').trim()
}

/**
 * Returns the form in which the name of a project, stage or service is compared. Callers choose it, so two names that people cannot
 * distinguish are equal. Otherwise, a call could avoid a rule, and no one would notice.
 *
 * @example comparableName(' Produc\u200Btion') // 'production'
 */
export function comparableName(name: string): string {
  const visible = visibleName(visibleName(name).normalize('NFKC'))
  // Some letters have several small forms and only one large form: ς and σ.
  return visible.toUpperCase().toLowerCase().normalize('NFKC')
}
