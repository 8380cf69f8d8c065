/**
 * @module Reads the certificates of ELASTICSEARCH_CA_CERT: PEM text, or the path of a file with PEM text. Loaded only
 * if this setting is used.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { decodeText } from '../base/text-file.ts';

/** The certificates as PEM text, or what is wrong with the setting. */
type ReadCertificates = { readonly pem: string } | { readonly problem: string };

/**
 * PEM text from the setting's value or from the file that it names. Repairs line breaks that a template wrote as `\n`.
 */
export async function readCertificateText(value: string): Promise<ReadCertificates> {
  const isText = value.includes('-----BEGIN') || isEncodedCertificate(value);
  let text = value;
  if (!isText)
    try {
      text = decodeText(await readFile(value.trim()));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return { problem: `is not PEM text, and as a path it cannot be read: ${code}` };
    }
  const blocks = [...text.matchAll(/-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----/gs)];
  if (blocks.length === 0) return { problem: whatStandsForCertificate(text) };
  const certificates: string[] = [];
  for (const [, body = ''] of blocks)
    try {
      const bytes = Buffer.from(body.replace(/\\n|\\r|\s/g, ''), 'base64');
      certificates.push(new X509Certificate(bytes).toString());
    } catch {
      return { problem: `holds a certificate that cannot be read (number ${certificates.length + 1})` };
    }
  return { pem: certificates.join('') };
}

const encodedPem = /^LS0tLS1CRUdJTi/;
/** A certificate without its BEGIN and END lines: base64 of DER. */
const bareCertificate = /^MII[A-Za-z0-9+/=\s]{200,}$/;

/** Whether the text is a certificate in another encoding, rather than a path. */
const isEncodedCertificate = (text: string): boolean =>
  encodedPem.test(text.trim()) || bareCertificate.test(text.trim());

function whatStandsForCertificate(text: string): string {
  const start = text.trim();
  if (encodedPem.test(start)) return 'is the base64 of a PEM file: decode it once';
  if (bareCertificate.test(start))
    return 'is a certificate without its first and last line: add -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----';
  if (start.startsWith('0\uFFFD'))
    return 'is a certificate in DER form: convert it with openssl x509 -inform der';
  if (start.includes('PRIVATE KEY-----')) return 'is a private key: set the certificate of the authority';
  return 'contains no certificate in PEM form';
}
