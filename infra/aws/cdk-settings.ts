import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Category } from '../../shared/providers/category.ts'
import { categories } from '../project/categories.ts'
import { APPLICATION } from '../project/roots.ts'
import { readSettings, type Settings } from './settings.ts'

/**
 * Reads the settings in cdk.json.
 *
 * @param folder the folder of cdk.json
 * @param say gets a warning if cdk.json has no settings: the stack may have others than the defaults
 * @throws SettingsError
 */
export function cdkSettings(
  folder = APPLICATION,
  say?: (text: string) => void,
): { settings: Settings; enabled: Category[] } {
  const file = join(folder, 'cdk.json')
  const names = categories.map(({ name }) => name)
  const context: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).context?.webhooks : undefined
  if (context === undefined)
    say?.(
      'cdk.json has no settings (context.webhooks), so this command uses the defaults and all categories. If the code of your stack has settings, repeat them in the options of this command.',
    )
  const settings = readSettings(context, names)
  return { settings, enabled: categories.filter(({ name }) => settings.categories[name] !== false) }
}
