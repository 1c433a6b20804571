// Properties try the same values in each run, so that a test fails only because of a change. `npm run fuzz` tries others.
import fc from 'fast-check'

const { FUZZ_SEED = '1' } = process.env
fc.configureGlobal({ seed: Number(FUZZ_SEED) })
