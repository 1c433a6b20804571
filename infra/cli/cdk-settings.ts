import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Category } from '../../shared/providers/category.ts'
import { readSettings, type Settings } from '../aws/settings.ts'
import { categories } from '../categories.ts'
import { APPLICATION } from '../roots.ts'

/**
 * Reads the settings in cdk.json.
 *
 * @throws SettingsError
 */
export function cdkSettings(): { settings: Settings; enabled: Category[] } {
  const file = join(APPLICATION, 'cdk.json')
  const names = categories.map(({ name }) => name)
  const settings = readSettings(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).context?.webhooks : {}, names)
  return { settings, enabled: categories.filter(({ name }) => settings.categories[name] !== false) }
}
