import { describe, expect, it } from '@jest/globals'
import { addVersion, hasVersion, notesOf } from '../../../../infra/tools/release/changelog.ts'

const head = '# Changelog\n\nStable names.\n\n'
const unreleased = `${head}## [Unreleased]\n\nThe first release.\n\n### Added\n\n- Tickets.\n`
const first = addVersion(unreleased, '0.1.0', '2026-12-01', [])

describe('addVersion', () => {
  it('moves what is unreleased to the first version', () => {
    expect(first).toBe(
      `${head}## [Unreleased]\n\n## [0.1.0] - 2026-12-01\n\nThe first release.\n\n### Added\n\n- Tickets.\n`,
    )
  })

  it('lists changes by what they do to the version, above earlier versions', () => {
    const second = addVersion(first, '0.2.0', '2026-12-02', [
      { type: 'patch', text: 'A repeated call.' },
      { type: 'minor', text: 'Flags in ACME.\nThey need a token.\n' },
      { type: 'patch', text: 'A lost answer.' },
    ])
    expect(second).toContain(
      '## [Unreleased]\n\n## [0.2.0] - 2026-12-02\n\n' +
        '### Added and changed\n\n- Flags in ACME.\n  They need a token.\n\n' +
        '### Fixed\n\n- A repeated call.\n- A lost answer.\n\n## [0.1.0] - 2026-12-01',
    )
    expect(second.endsWith('- Tickets.\n')).toBe(true)
  })

  it('rejects a changelog without a section for what is unreleased', () => {
    expect(() => addVersion(head, '0.1.0', '2026-12-01', [])).toThrow('has no section "## [Unreleased]"')
  })
})

describe('notesOf', () => {
  it('returns the section of one version', () => {
    const second = addVersion(first, '0.2.0', '2026-12-02', [{ type: 'patch', text: 'A lost answer.' }])
    expect(notesOf(second, '0.2.0')).toBe('### Fixed\n\n- A lost answer.')
    expect(notesOf(second, '0.1.0')).toBe('The first release.\n\n### Added\n\n- Tickets.')
    expect(() => notesOf(second, '0.3.0')).toThrow('no section for 0.3.0')
    expect([hasVersion(second, '0.1.0'), hasVersion(second, '0.1')]).toEqual([true, false])
  })
})
