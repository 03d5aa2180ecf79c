import { expect, test } from 'vitest';
import { readWords } from '../../bench/words.ts';

test('contestants are told apart by commas, of which some names have one in brackets', () => {
  const words = ['--contestants=Sallyport (unhashed, workers: auto),pure-ftpd,Sallyport (TLS 1.2)'];
  expect(readWords(words, 'page.md').contestants).toEqual([
    'Sallyport (unhashed, workers: auto)',
    'pure-ftpd',
    'Sallyport (TLS 1.2)',
  ]);
});
