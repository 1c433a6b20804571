import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { categories } from '../../functions/index.ts'
import type { Category } from '../../shared/providers/category.ts'
import { readSettings, type Settings } from '../aws/settings.ts'

/**
 * Reads the settings in cdk.json.
 *
 * @throws SettingsError
 */
export function cdkSettings(): { settings: Settings; enabled: Category[] } {
  const file = join(import.meta.dirname, '../../cdk.json')
  const names = categories.map(({ name }) => name)
  const settings = readSettings(JSON.parse(readFileSync(file, 'utf8')).context.webhooks, names)
  return { settings, enabled: categories.filter(({ name }) => settings.categories[name] !== false) }
}
