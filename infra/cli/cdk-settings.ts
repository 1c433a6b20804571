import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Category } from '../../shared/providers/category.ts'
import { readSettings, type Settings } from '../aws/settings.ts'
import { categories } from '../project/categories.ts'
import { APPLICATION } from '../project/roots.ts'
import { note } from './output.ts'

/**
 * Reads the settings in cdk.json. Without settings there, prints that the defaults are used, because the stack may have others.
 *
 * @param folder the folder of cdk.json
 * @param say prints a message
 * @throws SettingsError
 */
export function cdkSettings(folder = APPLICATION, say = note): { settings: Settings; enabled: Category[] } {
  const file = join(folder, 'cdk.json')
  const names = categories.map(({ name }) => name)
  const context: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).context?.webhooks : undefined
  if (context === undefined)
    say(
      'cdk.json has no settings (context.webhooks), so this command uses the defaults and all categories. If the code of your stack has settings, repeat them in the options of this command.',
    )
  const settings = readSettings(context, names)
  return { settings, enabled: categories.filter(({ name }) => settings.categories[name] !== false) }
}
