// Gives each property the same random values in each run, so that a failure is about the code. `npm run fuzz` chooses others.
import { configureGlobal } from 'fast-check'

configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1) })
