import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { packCreate } from '../../../infra/tools/create/pack.ts'
import { runInProcess } from '../../runner/in-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8'))
const folder = temporaryFolder()
packCreate(join(folder, 'package'), manifest)

const create = (...args: string[]) =>
  runInProcess(join(folder, 'package/main.js'), args, { cwd: folder, env: process.env })
const nextIn = (out: string) => out.match(/^ {2}.+$/gm)
const read = (path: string) => JSON.parse(readFileSync(join(folder, path), 'utf8'))

it('writes an application that needs the same version of the package, and prints the next commands', async () => {
  const { code, out, err } = await create('checkout-webhooks', '--no-install')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(nextIn(out)).toEqual(['  cd checkout-webhooks', '  npm install', '  npm start', '  npm run synth'])
  const { name, dependencies, devDependencies } = read('checkout-webhooks/package.json')
  expect({ name, dependencies }).toEqual({
    name: 'checkout-webhooks',
    dependencies: { 'cloud-automation-webhooks': `^${manifest.version}` },
  })
  for (const version of Object.values(devDependencies)) expect(version).toMatch(/^\^\d+\.\d+\.\d+$/)
  expect(readdirSync(join(folder, 'checkout-webhooks'))).toContain('.gitignore')
  const provider = readFileSync(join(folder, 'checkout-webhooks/functions/issue-ticketing/acme/acme.ts'), 'utf8')
  expect(provider).toMatch(/^import \{[^}]*\} from 'cloud-automation-webhooks'\n\n/)
  const { app, context } = read('checkout-webhooks/cdk.json')
  expect({ app, context }).toEqual({
    app: 'node infra/app.ts',
    context: expect.objectContaining({ '@aws-cdk/aws-iam:minimizePolicies': true }),
  })
  expect(context).not.toHaveProperty('webhooks')
})

it('takes another version of the package, and writes into an empty folder', async () => {
  mkdirSync(join(folder, 'empty'))
  expect(await create('./empty/', '--no-install', '--package', 'next')).toMatchObject({ code: 0, err: '' })
  expect(read('empty/package.json')).toMatchObject({
    name: 'empty',
    dependencies: { 'cloud-automation-webhooks': 'next' },
  })
})

it('quotes the folder in the next command', async () => {
  const { out } = await create("user's apps/webhooks", '--no-install')
  expect(nextIn(out)?.[0]).toBe(String.raw`  cd 'user'\''s apps/webhooks'`)
})

it('finds a tarball relative to the folder of the command, because the application is in another one', async () => {
  writeFileSync(join(folder, 'packed.tgz'), '')
  expect(await create('from-tarball', '--no-install', '--package', 'packed.tgz')).toMatchObject({ code: 0, err: '' })
  const { dependencies } = read('from-tarball/package.json')
  expect(dependencies).toEqual({ 'cloud-automation-webhooks': `file:${realpathSync(join(folder, 'packed.tgz'))}` })
})

it('keeps the application if the installation fails, and says to repeat it', async () => {
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/npm'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env['PATH']}` }
  const { code, out } = await runInProcess(join(folder, 'package/main.js'), ['uninstalled'], { cwd: folder, env })
  expect([code, nextIn(out)?.[1]]).toEqual([1, '  npm install'])
  expect(read('uninstalled/package.json')).toMatchObject({ name: 'uninstalled' })
})

it('refuses a folder that is not empty, and changes nothing', async () => {
  mkdirSync(join(folder, 'used'))
  writeFileSync(join(folder, 'used/notes.txt'), 'Keep me')
  const { code, err } = await create('used', '--no-install')
  expect([code, err]).toEqual([2, 'used exists and is not an empty folder. Choose another name, or empty it.\n'])
  expect(readdirSync(join(folder, 'used'))).toEqual(['notes.txt'])
})

it.each([
  ['a name that npm does not accept', ['My_Webhooks'], '"My_Webhooks" cannot be the name of a package'],
  ['no name', [], 'Pass the name of one new folder'],
  ['two names', ['one', 'two'], 'Pass the name of one new folder'],
  ['an unknown option', ['one', '--typescript'], "Unknown option '--typescript'"],
])('refuses %s', async (_case, args, message) => {
  const { code, err } = await create(...args)
  expect([code, err]).toEqual([2, expect.stringContaining(message)])
})

it('prints its help', async () => {
  const { code, out } = await create('--help')
  expect([code, out]).toEqual([0, expect.stringContaining('--no-install')])
})
