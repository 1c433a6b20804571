import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { PAGE_STYLE } from '../../../shared/approvals/page-style.ts'

it('pages without scripts have the colors of the console, in light and dark', () => {
  const css = readFileSync(join(import.meta.dirname, '../../../infra/local/console/page/base.css'), 'utf8')
  const ofConsole = Object.fromEntries(
    [...css.matchAll(/^ {2}(--[\w-]+): light-dark\((#\w+), (#\w+)\);$/gm)].map(([, name, light, dark]) => [
      name,
      { light, dark },
    ]),
  )
  const [light = '', dark = ''] = [...PAGE_STYLE.matchAll(/:root \{(.+?)\}/g)].map(([, colors]) => colors)
  const colorsIn = (text: string) =>
    new Map([...text.matchAll(/(--[\w-]+): (#\w+);/g)].map(([, name, color]) => [name, color]))
  const [lightColors, darkColors] = [colorsIn(light), colorsIn(dark)]
  expect(lightColors.size).toBeGreaterThan(8)
  for (const [name = '', color] of lightColors)
    expect([name, { light: color, dark: darkColors.get(name) }]).toEqual([name, ofConsole[name]])
})
