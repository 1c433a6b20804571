import { startNtfy } from './fake.ts'
import { testNtfy } from './suite.ts'

testNtfy({ start: startNtfy })
