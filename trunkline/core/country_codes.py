"""Which country a number is of: one line for each, `ISO 3166-1 code|continent|prefixes behind the plus sign|name`.

Source: the assigned country codes of ITU-T E.164 (List of Recommendation E.164 assigned country codes), and for the
countries that share one (1, 7, 44, 47, 262, 290, 358, 590, 599) the leading digits of the numbering plans as the
metadata of libphonenumber 9.0 gives them. Where two territories cannot be told apart by their numbers, one line stands
for both, under the code of the larger. The longest prefix counts.
"""

from __future__ import annotations

COUNTRY_LINES = """
AC|AFRICA|247|Ascension Island
AD|EUROPE|376|Andorra
AE|ASIA|971|United Arab Emirates
AF|ASIA|93|Afghanistan
AG|NORTH_AMERICA|1268|Antigua and Barbuda
AI|NORTH_AMERICA|1264|Anguilla
AL|EUROPE|355|Albania
AM|ASIA|374|Armenia
AO|AFRICA|244|Angola
AR|SOUTH_AMERICA|54|Argentina
AS|OCEANIA|1684|American Samoa
AT|EUROPE|43|Austria
AU|OCEANIA|61|Australia
AW|NORTH_AMERICA|297|Aruba
AX|EUROPE|35818|Aland Islands
AZ|ASIA|994|Azerbaijan
BA|EUROPE|387|Bosnia and Herzegovina
BB|NORTH_AMERICA|1246|Barbados
BD|ASIA|880|Bangladesh
BE|EUROPE|32|Belgium
BF|AFRICA|226|Burkina Faso
BG|EUROPE|359|Bulgaria
BH|ASIA|973|Bahrain
BI|AFRICA|257|Burundi
BJ|AFRICA|229|Benin
BM|NORTH_AMERICA|1441|Bermuda
BN|ASIA|673|Brunei
BO|SOUTH_AMERICA|591|Bolivia
BQ|NORTH_AMERICA|5993 5994 5997|Bonaire
BR|SOUTH_AMERICA|55|Brazil
BS|NORTH_AMERICA|1242|Bahamas
BT|ASIA|975|Bhutan
BW|AFRICA|267|Botswana
BY|EUROPE|375|Belarus
BZ|NORTH_AMERICA|501|Belize
CD|AFRICA|243|Congo, Democratic Republic
CF|AFRICA|236|Central African Republic
CG|AFRICA|242|Congo
CH|EUROPE|41|Switzerland
CI|AFRICA|225|Cote d'Ivoire
CK|OCEANIA|682|Cook Islands
CL|SOUTH_AMERICA|56|Chile
CM|AFRICA|237|Cameroon
CN|ASIA|86|China
CO|SOUTH_AMERICA|57|Colombia
CR|NORTH_AMERICA|506|Costa Rica
CU|NORTH_AMERICA|53|Cuba
CV|AFRICA|238|Cabo Verde
CW|NORTH_AMERICA|599|Curacao
CY|EUROPE|357|Cyprus
CZ|EUROPE|420|Czechia
DE|EUROPE|49|Germany
DJ|AFRICA|253|Djibouti
DK|EUROPE|45|Denmark
DM|NORTH_AMERICA|1767|Dominica
DO|NORTH_AMERICA|1809 1829 1849|Dominican Republic
DZ|AFRICA|213|Algeria
EC|SOUTH_AMERICA|593|Ecuador
EE|EUROPE|372|Estonia
EG|AFRICA|20|Egypt
ER|AFRICA|291|Eritrea
ES|EUROPE|34|Spain
ET|AFRICA|251|Ethiopia
FI|EUROPE|358|Finland
FJ|OCEANIA|679|Fiji
FK|SOUTH_AMERICA|500|Falkland Islands (Malvinas)
FM|OCEANIA|691|Micronesia
FO|EUROPE|298|Faroe Islands
FR|EUROPE|33|France
GA|AFRICA|241|Gabon
GB|EUROPE|44|United Kingdom
GD|NORTH_AMERICA|1473|Grenada
GE|ASIA|995|Georgia
GF|SOUTH_AMERICA|594|French Guiana
GH|AFRICA|233|Ghana
GI|EUROPE|350|Gibraltar
GL|NORTH_AMERICA|299|Greenland
GM|AFRICA|220|Gambia
GN|AFRICA|224|Guinea
GP|NORTH_AMERICA|590|Guadeloupe, Saint Martin
GQ|AFRICA|240|Equatorial Guinea
GR|EUROPE|30|Greece
GT|NORTH_AMERICA|502|Guatemala
GU|OCEANIA|1671|Guam
GW|AFRICA|245|Guinea-Bissau
GY|SOUTH_AMERICA|592|Guyana
HK|ASIA|852|Hong Kong
HN|NORTH_AMERICA|504|Honduras
HR|EUROPE|385|Croatia
HT|NORTH_AMERICA|509|Haiti
HU|EUROPE|36|Hungary
ID|ASIA|62|Indonesia
IE|EUROPE|353|Ireland
IL|ASIA|972|Israel
IM|EUROPE|441624 447457 447524 447624|Isle of Man
IN|ASIA|91|India
IO|ASIA|246|British Indian Ocean Territory
IQ|ASIA|964|Iraq
IR|ASIA|98|Iran
IS|EUROPE|354|Iceland
IT|EUROPE|39|Italy
JM|NORTH_AMERICA|1658 1876|Jamaica
JO|ASIA|962|Jordan
JP|ASIA|81|Japan
KE|AFRICA|254|Kenya
KG|ASIA|996|Kyrgyzstan
KH|ASIA|855|Cambodia
KI|OCEANIA|686|Kiribati
KM|AFRICA|269|Comoros
KN|NORTH_AMERICA|1869|Saint Kitts and Nevis
KP|ASIA|850|North Korea
KR|ASIA|82|South Korea
KW|ASIA|965|Kuwait
KY|NORTH_AMERICA|1345|Cayman Islands
KZ|ASIA|76 77|Kazakhstan
LA|ASIA|856|Laos
LB|ASIA|961|Lebanon
LC|NORTH_AMERICA|1758|Saint Lucia
LI|EUROPE|423|Liechtenstein
LK|ASIA|94|Sri Lanka
LR|AFRICA|231|Liberia
LS|AFRICA|266|Lesotho
LT|EUROPE|370|Lithuania
LU|EUROPE|352|Luxembourg
LV|EUROPE|371|Latvia
LY|AFRICA|218|Libya
MA|AFRICA|212|Morocco
MC|EUROPE|377|Monaco
MD|EUROPE|373|Moldova
ME|EUROPE|382|Montenegro
MG|AFRICA|261|Madagascar
MH|OCEANIA|692|Marshall Islands
MK|EUROPE|389|North Macedonia
ML|AFRICA|223|Mali
MM|ASIA|95|Myanmar
MN|ASIA|976|Mongolia
MO|ASIA|853|Macao
MP|OCEANIA|1670|Northern Mariana Islands
MQ|NORTH_AMERICA|596|Martinique
MR|AFRICA|222|Mauritania
MS|NORTH_AMERICA|1664|Montserrat
MT|EUROPE|356|Malta
MU|AFRICA|230|Mauritius
MV|ASIA|960|Maldives
MW|AFRICA|265|Malawi
MX|NORTH_AMERICA|52|Mexico
MY|ASIA|60|Malaysia
MZ|AFRICA|258|Mozambique
NA|AFRICA|264|Namibia
NC|OCEANIA|687|New Caledonia
NE|AFRICA|227|Niger
NF|OCEANIA|672|Norfolk Island
NG|AFRICA|234|Nigeria
NI|NORTH_AMERICA|505|Nicaragua
NL|EUROPE|31|Netherlands
NO|EUROPE|47|Norway
NP|ASIA|977|Nepal
NR|OCEANIA|674|Nauru
NU|OCEANIA|683|Niue
NZ|OCEANIA|64|New Zealand
OM|ASIA|968|Oman
PA|NORTH_AMERICA|507|Panama
PE|SOUTH_AMERICA|51|Peru
PF|OCEANIA|689|French Polynesia
PG|OCEANIA|675|Papua New Guinea
PH|ASIA|63|Philippines
PK|ASIA|92|Pakistan
PL|EUROPE|48|Poland
PM|NORTH_AMERICA|508|Saint Pierre and Miquelon
PR|NORTH_AMERICA|1787 1939|Puerto Rico
PS|ASIA|970|Palestine
PT|EUROPE|351|Portugal
PW|OCEANIA|680|Palau
PY|SOUTH_AMERICA|595|Paraguay
QA|ASIA|974|Qatar
RE|AFRICA|262|Reunion, Mayotte
RO|EUROPE|40|Romania
RS|EUROPE|381|Serbia
RU|EUROPE|7|Russia
RW|AFRICA|250|Rwanda
SA|ASIA|966|Saudi Arabia
SB|OCEANIA|677|Solomon Islands
SC|AFRICA|248|Seychelles
SD|AFRICA|249|Sudan
SE|EUROPE|46|Sweden
SG|ASIA|65|Singapore
SH|AFRICA|290|Saint Helena
SI|EUROPE|386|Slovenia
SJ|EUROPE|4779|Svalbard and Jan Mayen
SK|EUROPE|421|Slovakia
SL|AFRICA|232|Sierra Leone
SM|EUROPE|378|San Marino
SN|AFRICA|221|Senegal
SO|AFRICA|252|Somalia
SR|SOUTH_AMERICA|597|Suriname
SS|AFRICA|211|South Sudan
ST|AFRICA|239|Sao Tome and Principe
SV|NORTH_AMERICA|503|El Salvador
SX|NORTH_AMERICA|1721|Sint Maarten (Dutch part)
SY|ASIA|963|Syria
SZ|AFRICA|268|Eswatini
TA|AFRICA|2908|Tristan da Cunha
TC|NORTH_AMERICA|1649|Turks and Caicos Islands
TD|AFRICA|235|Chad
TG|AFRICA|228|Togo
TH|ASIA|66|Thailand
TJ|ASIA|992|Tajikistan
TK|OCEANIA|690|Tokelau
TL|ASIA|670|Timor-Leste
TM|ASIA|993|Turkmenistan
TN|AFRICA|216|Tunisia
TO|OCEANIA|676|Tonga
TR|EUROPE|90|Turkiye
TT|NORTH_AMERICA|1868|Trinidad and Tobago
TV|OCEANIA|688|Tuvalu
TW|ASIA|886|Taiwan
TZ|AFRICA|255|Tanzania
UA|EUROPE|380|Ukraine
UG|AFRICA|256|Uganda
US|NORTH_AMERICA|1|United States/Canada
UY|SOUTH_AMERICA|598|Uruguay
UZ|ASIA|998|Uzbekistan
VC|NORTH_AMERICA|1784|Saint Vincent and the Grenadines
VE|SOUTH_AMERICA|58|Venezuela
VG|NORTH_AMERICA|1284|Virgin Islands, British
VI|NORTH_AMERICA|1340|Virgin Islands, U.S.
VN|ASIA|84|Vietnam
VU|OCEANIA|678|Vanuatu
WF|OCEANIA|681|Wallis and Futuna
WS|OCEANIA|685|Samoa
XK|EUROPE|383|Kosovo
YE|ASIA|967|Yemen
ZA|AFRICA|27|South Africa
ZM|AFRICA|260|Zambia
ZW|AFRICA|263|Zimbabwe
"""
