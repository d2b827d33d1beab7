"""Ranges that fraud earns money with, closed unless an account opens them: one line each, `prefix|kind|what it is`.

`special`: premium rate and shared revenue within a country's own plan, where the caller pays more than for a call.
`tollfraud`: satellite and international networks, and country codes whose operators share the income of international
calls with whoever brings them ("international revenue share fraud", the largest kind of fraud on trunks).

Sources: the national numbering plans that their regulators publish (and ITU-T as E.129 communications), ITU-T E.164.1
for shared codes, the CFCA's fraud loss surveys for the destinations. Prefixes are written behind the plus sign. The
longest one counts, so what is not listed is an ordinary number of its country.
"""

from __future__ import annotations

HIGH_RISK_LINES = """
1900|special|North America, premium rate
1976|special|North America, pay per call exchange
2090|special|Egypt, premium rate
2786|special|South Africa, premium rate
30901|special|Greece, premium rate
30909|special|Greece, premium rate
3190|special|Netherlands, premium rate
3290|special|Belgium, premium rate
3389|special|France, premium rate
34803|special|Spain, premium rate
34806|special|Spain, premium rate
34807|special|Spain, premium rate
34905|special|Spain, mass calling
34907|special|Spain, premium rate
351607|special|Portugal, premium rate
351608|special|Portugal, premium rate
351760|special|Portugal, premium rate
351761|special|Portugal, premium rate
352900|special|Luxembourg, premium rate
352901|special|Luxembourg, premium rate
352905|special|Luxembourg, premium rate
35315|special|Ireland, premium rate
358600|special|Finland, premium rate
358700|special|Finland, premium rate
35990|special|Bulgaria, premium rate
3690|special|Hungary, premium rate
37190|special|Latvia, premium rate
370900|special|Lithuania, premium rate
372900|special|Estonia, premium rate
38190|special|Serbia, premium rate
38560|special|Croatia, premium rate
38690|special|Slovenia, premium rate
39144|special|Italy, premium rate
39166|special|Italy, premium rate
39892|special|Italy, premium rate
39895|special|Italy, premium rate
39899|special|Italy, premium rate
40900|special|Romania, premium rate
40903|special|Romania, premium rate
40906|special|Romania, premium rate
4190|special|Switzerland, premium rate
420900|special|Czechia, premium rate
420906|special|Czechia, premium rate
420909|special|Czechia, premium rate
421900|special|Slovakia, premium rate
43900|special|Austria, premium rate
43901|special|Austria, premium rate
43930|special|Austria, premium rate
43931|special|Austria, premium rate
43939|special|Austria, dialler software
4470|special|United Kingdom, personal numbers
44871|special|United Kingdom, shared revenue
44872|special|United Kingdom, shared revenue
44873|special|United Kingdom, shared revenue
4490|special|United Kingdom, premium rate
4491|special|United Kingdom, premium rate
4498|special|United Kingdom, adult premium rate
4590|special|Denmark, premium rate
46900|special|Sweden, premium rate
46939|special|Sweden, mass calling
46944|special|Sweden, premium rate
47829|special|Norway, premium rate
48300|special|Poland, premium rate
48400|special|Poland, premium rate
48700|special|Poland, premium rate
48701|special|Poland, premium rate
48703|special|Poland, premium rate
48708|special|Poland, premium rate
49137|special|Germany, mass calling
49900|special|Germany, premium rate
55900|special|Brazil, premium rate
6119|special|Australia, premium rate
64900|special|New Zealand, premium rate
65190|special|Singapore, premium rate
81990|special|Japan, premium rate
852900|special|Hong Kong, premium rate
90900|special|Turkiye, premium rate
972190|special|Israel, premium rate
220|tollfraud|Gambia
222|tollfraud|Mauritania
224|tollfraud|Guinea
231|tollfraud|Liberia
232|tollfraud|Sierra Leone
235|tollfraud|Chad
236|tollfraud|Central African Republic
239|tollfraud|Sao Tome and Principe
243|tollfraud|Democratic Republic of the Congo
245|tollfraud|Guinea-Bissau
246|tollfraud|Diego Garcia
247|tollfraud|Ascension
252|tollfraud|Somalia
257|tollfraud|Burundi
261|tollfraud|Madagascar
269|tollfraud|Comoros
290|tollfraud|Saint Helena, Tristan da Cunha
291|tollfraud|Eritrea
500|tollfraud|Falkland Islands
53|tollfraud|Cuba
670|tollfraud|Timor-Leste
672|tollfraud|Australian external territories
674|tollfraud|Nauru
675|tollfraud|Papua New Guinea
677|tollfraud|Solomon Islands
678|tollfraud|Vanuatu
681|tollfraud|Wallis and Futuna
682|tollfraud|Cook Islands
683|tollfraud|Niue
685|tollfraud|Samoa
686|tollfraud|Kiribati
688|tollfraud|Tuvalu
690|tollfraud|Tokelau
850|tollfraud|North Korea
960|tollfraud|Maldives
808|tollfraud|international shared cost
870|tollfraud|Inmarsat
878|tollfraud|universal personal telecommunications
881|tollfraud|satellite networks (Iridium, Globalstar)
882|tollfraud|international networks
883|tollfraud|international networks
979|tollfraud|international premium rate
"""
