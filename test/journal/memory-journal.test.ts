import { MemoryJournal } from '../../orchestrator/journal/memory-journal.js';
import { describeJournal } from './journal-contract.js';

describeJournal('in memory', () => ({ journal: new MemoryJournal(), [Symbol.dispose]: () => {} }));
