//! UTC offsets by calling code: what each country's clocks show, in every time zone and at any time of the year.
//!
//! The smallest and the largest offset of a country, summer time included, are enough to stay out of its night, so no
//! time-zone database is needed. Codes are those of the ITU's list of E.164 codes, offsets those of the IANA time-zone
//! database (2025b) from 2026 on. A code that is not here (satellite and service numbers, codes nobody has) may be anywhere.

/// From Baker Island to the Line Islands.
pub(super) const ANYWHERE: (i16, i16) = (-720, 840);

/// The United States' clocks: Hawaii in winter to the east coast in summer.
pub(super) const UNITED_STATES: (i16, i16) = (-600, -240);

/// Canada's: the west coast in winter to Newfoundland in summer.
pub(super) const CANADA: (i16, i16) = (-480, -150);

/// Leading digits, smallest and largest offset in minutes. At most four digits; the longest that fits counts.
pub(super) const CODES: [(u16, i16, i16); 237] = [
    (1, -600, -150),    // North America, area codes not listed
    (1242, -300, -240), // Bahamas
    (1246, -240, -240), // Barbados
    (1264, -240, -240), // Anguilla
    (1268, -240, -240), // Antigua and Barbuda
    (1284, -240, -240), // British Virgin Islands
    (1340, -240, -240), // United States Virgin Islands
    (1345, -300, -300), // Cayman Islands
    (1441, -240, -180), // Bermuda
    (1473, -240, -240), // Grenada
    (1649, -300, -240), // Turks and Caicos Islands
    (1658, -300, -300), // Jamaica
    (1664, -240, -240), // Montserrat
    (1670, 600, 600),   // Northern Mariana Islands
    (1671, 600, 600),   // Guam
    (1684, -660, -660), // American Samoa
    (1721, -240, -240), // Sint Maarten
    (1758, -240, -240), // Saint Lucia
    (1767, -240, -240), // Dominica
    (1784, -240, -240), // Saint Vincent
    (1787, -240, -240), // Puerto Rico
    (1809, -240, -240), // Dominican Republic
    (1829, -240, -240), // Dominican Republic
    (1849, -240, -240), // Dominican Republic
    (1868, -240, -240), // Trinidad and Tobago
    (1869, -240, -240), // Saint Kitts and Nevis
    (1876, -300, -300), // Jamaica
    (1939, -240, -240), // Puerto Rico
    (20, 120, 180),     // Egypt
    (211, 120, 120),    // South Sudan
    (212, 0, 60),       // Morocco, Western Sahara
    (213, 60, 60),      // Algeria
    (216, 60, 60),      // Tunisia
    (218, 120, 120),    // Libya
    (220, 0, 0),        // Gambia
    (221, 0, 0),        // Senegal
    (222, 0, 0),        // Mauritania
    (223, 0, 0),        // Mali
    (224, 0, 0),        // Guinea
    (225, 0, 0),        // Côte d'Ivoire
    (226, 0, 0),        // Burkina Faso
    (227, 60, 60),      // Niger
    (228, 0, 0),        // Togo
    (229, 60, 60),      // Benin
    (230, 240, 240),    // Mauritius
    (231, 0, 0),        // Liberia
    (232, 0, 0),        // Sierra Leone
    (233, 0, 0),        // Ghana
    (234, 60, 60),      // Nigeria
    (235, 60, 60),      // Chad
    (236, 60, 60),      // Central African Republic
    (237, 60, 60),      // Cameroon
    (238, -60, -60),    // Cabo Verde
    (239, 0, 0),        // São Tomé and Príncipe
    (240, 60, 60),      // Equatorial Guinea
    (241, 60, 60),      // Gabon
    (242, 60, 60),      // Congo
    (243, 60, 120),     // Democratic Republic of the Congo
    (244, 60, 60),      // Angola
    (245, 0, 0),        // Guinea-Bissau
    (246, 360, 360),    // British Indian Ocean Territory
    (247, 0, 0),        // Ascension
    (248, 240, 240),    // Seychelles
    (249, 120, 120),    // Sudan
    (250, 120, 120),    // Rwanda
    (251, 180, 180),    // Ethiopia
    (252, 180, 180),    // Somalia
    (253, 180, 180),    // Djibouti
    (254, 180, 180),    // Kenya
    (255, 180, 180),    // Tanzania
    (256, 180, 180),    // Uganda
    (257, 120, 120),    // Burundi
    (258, 120, 120),    // Mozambique
    (260, 120, 120),    // Zambia
    (261, 180, 180),    // Madagascar
    (262, 180, 240),    // Réunion, Mayotte
    (263, 120, 120),    // Zimbabwe
    (264, 120, 120),    // Namibia
    (265, 120, 120),    // Malawi
    (266, 120, 120),    // Lesotho
    (267, 120, 120),    // Botswana
    (268, 120, 120),    // Eswatini
    (269, 180, 180),    // Comoros
    (27, 120, 120),     // South Africa
    (290, 0, 0),        // Saint Helena, Tristan da Cunha
    (291, 180, 180),    // Eritrea
    (297, -240, -240),  // Aruba
    (298, 0, 60),       // Faroe Islands
    (299, -240, 0),     // Greenland
    (30, 120, 180),     // Greece
    (31, 60, 120),      // Netherlands
    (32, 60, 120),      // Belgium
    (33, 60, 120),      // France
    (34, 0, 120),       // Spain
    (350, 60, 120),     // Gibraltar
    (351, -60, 60),     // Portugal
    (352, 60, 120),     // Luxembourg
    (353, 0, 60),       // Ireland
    (354, 0, 0),        // Iceland
    (355, 60, 120),     // Albania
    (356, 60, 120),     // Malta
    (357, 120, 180),    // Cyprus
    (358, 120, 180),    // Finland, Åland
    (359, 120, 180),    // Bulgaria
    (36, 60, 120),      // Hungary
    (370, 120, 180),    // Lithuania
    (371, 120, 180),    // Latvia
    (372, 120, 180),    // Estonia
    (373, 120, 180),    // Moldova
    (374, 240, 240),    // Armenia
    (375, 180, 180),    // Belarus
    (376, 60, 120),     // Andorra
    (377, 60, 120),     // Monaco
    (378, 60, 120),     // San Marino
    (379, 60, 120),     // Vatican, reserved
    (380, 120, 180),    // Ukraine
    (381, 60, 120),     // Serbia
    (382, 60, 120),     // Montenegro
    (383, 60, 120),     // Kosovo
    (385, 60, 120),     // Croatia
    (386, 60, 120),     // Slovenia
    (387, 60, 120),     // Bosnia and Herzegovina
    (389, 60, 120),     // North Macedonia
    (39, 60, 120),      // Italy, Vatican
    (40, 120, 180),     // Romania
    (41, 60, 120),      // Switzerland
    (420, 60, 120),     // Czechia
    (421, 60, 120),     // Slovakia
    (423, 60, 120),     // Liechtenstein
    (43, 60, 120),      // Austria
    (44, 0, 60),        // United Kingdom, Jersey, Guernsey, Isle of Man
    (45, 60, 120),      // Denmark
    (46, 60, 120),      // Sweden
    (47, 60, 120),      // Norway, Svalbard
    (48, 60, 120),      // Poland
    (49, 60, 120),      // Germany
    (500, -180, -180),  // Falkland Islands
    (501, -360, -360),  // Belize
    (502, -360, -360),  // Guatemala
    (503, -360, -360),  // El Salvador
    (504, -360, -360),  // Honduras
    (505, -360, -360),  // Nicaragua
    (506, -360, -360),  // Costa Rica
    (507, -300, -300),  // Panama
    (508, -180, -120),  // Saint Pierre and Miquelon
    (509, -300, -240),  // Haiti
    (51, -300, -300),   // Peru
    (52, -480, -300),   // Mexico
    (53, -300, -240),   // Cuba
    (54, -180, -180),   // Argentina
    (55, -300, -120),   // Brazil
    (56, -360, -180),   // Chile
    (57, -300, -300),   // Colombia
    (58, -240, -240),   // Venezuela
    (590, -240, -240),  // Guadeloupe, Saint Barthélemy, Saint Martin
    (591, -240, -240),  // Bolivia
    (592, -240, -240),  // Guyana
    (593, -360, -300),  // Ecuador
    (594, -180, -180),  // French Guiana
    (595, -180, -180),  // Paraguay
    (596, -240, -240),  // Martinique
    (597, -180, -180),  // Suriname
    (598, -180, -180),  // Uruguay
    (599, -240, -240),  // Curaçao, Caribbean Netherlands
    (60, 480, 480),     // Malaysia
    (61, 480, 660),     // Australia, Lord Howe Island
    (62, 420, 540),     // Indonesia
    (63, 480, 480),     // Philippines
    (64, 720, 825),     // New Zealand
    (65, 480, 480),     // Singapore
    (66, 420, 420),     // Thailand
    (670, 540, 540),    // Timor-Leste
    (6721, 300, 660),   // Australian Antarctic stations, Macquarie Island
    (6723, 660, 720),   // Norfolk Island
    (673, 480, 480),    // Brunei
    (674, 720, 720),    // Nauru
    (675, 600, 660),    // Papua New Guinea
    (676, 780, 780),    // Tonga
    (677, 660, 660),    // Solomon Islands
    (678, 660, 660),    // Vanuatu
    (679, 720, 720),    // Fiji
    (680, 540, 540),    // Palau
    (681, 720, 720),    // Wallis and Futuna
    (682, -600, -600),  // Cook Islands
    (683, -660, -660),  // Niue
    (685, 780, 780),    // Samoa
    (686, 720, 840),    // Kiribati
    (687, 660, 660),    // New Caledonia
    (688, 720, 720),    // Tuvalu
    (689, -600, -540),  // French Polynesia
    (690, 780, 780),    // Tokelau
    (691, 600, 660),    // Micronesia
    (692, 720, 720),    // Marshall Islands
    (7, 120, 720),      // Russia
    (76, 300, 300),     // Kazakhstan
    (77, 300, 300),     // Kazakhstan
    (81, 540, 540),     // Japan
    (82, 540, 540),     // South Korea
    (84, 420, 420),     // Vietnam
    (850, 540, 540),    // North Korea
    (852, 480, 480),    // Hong Kong
    (853, 480, 480),    // Macao
    (855, 420, 420),    // Cambodia
    (856, 420, 420),    // Laos
    (86, 360, 480),     // China
    (880, 360, 360),    // Bangladesh
    (886, 480, 480),    // Taiwan
    (90, 120, 180),     // Turkey, Northern Cyprus (summer time)
    (91, 330, 330),     // India
    (92, 300, 300),     // Pakistan
    (93, 270, 270),     // Afghanistan
    (94, 330, 330),     // Sri Lanka
    (95, 390, 390),     // Myanmar
    (960, 300, 300),    // Maldives
    (961, 120, 180),    // Lebanon
    (962, 180, 180),    // Jordan
    (963, 180, 180),    // Syria
    (964, 180, 180),    // Iraq
    (965, 180, 180),    // Kuwait
    (966, 180, 180),    // Saudi Arabia
    (967, 180, 180),    // Yemen
    (968, 240, 240),    // Oman
    (970, 120, 180),    // Palestine
    (971, 240, 240),    // United Arab Emirates
    (972, 120, 180),    // Israel
    (973, 180, 180),    // Bahrain
    (974, 180, 180),    // Qatar
    (975, 360, 360),    // Bhutan
    (976, 420, 480),    // Mongolia
    (977, 345, 345),    // Nepal
    (98, 210, 210),     // Iran
    (992, 300, 300),    // Tajikistan
    (993, 300, 300),    // Turkmenistan
    (994, 240, 240),    // Azerbaijan
    (995, 240, 240),    // Georgia
    (996, 360, 360),    // Kyrgyzstan
    (998, 300, 300),    // Uzbekistan
];

/// Area codes of the United States without its territories beyond the fifty states, which have codes of their own above.
pub(super) const UNITED_STATES_AREAS: [u16; 359] = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 220, 223, 224, 225, 227, 228,
    229, 231, 234, 235, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 272, 274, 276, 279, 281, 283,
    301, 302, 303, 304, 305, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 324, 325, 326,
    327, 329, 330, 331, 332, 334, 336, 337, 339, 341, 346, 347, 350, 351, 352, 353, 360, 361, 363, 364, 369, 380, 385,
    386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 419, 423, 424, 425, 430, 432, 434, 435,
    440, 442, 443, 445, 447, 448, 458, 463, 464, 469, 470, 472, 475, 478, 479, 480, 484, 501, 502, 503, 504, 505, 507,
    508, 509, 510, 512, 513, 515, 516, 517, 518, 520, 530, 531, 534, 539, 540, 541, 551, 557, 559, 561, 562, 563, 564,
    567, 570, 571, 572, 573, 574, 575, 580, 582, 585, 586, 601, 602, 603, 605, 606, 607, 608, 609, 610, 612, 614, 615,
    616, 617, 618, 619, 620, 623, 626, 628, 629, 630, 631, 636, 640, 641, 645, 646, 650, 651, 656, 657, 659, 660, 661,
    662, 667, 669, 678, 680, 681, 682, 686, 689, 701, 702, 703, 704, 706, 707, 708, 712, 713, 714, 715, 716, 717, 718,
    719, 720, 724, 725, 726, 727, 728, 730, 731, 732, 734, 737, 738, 740, 743, 747, 748, 754, 757, 760, 762, 763, 765,
    769, 770, 771, 772, 773, 774, 775, 779, 781, 785, 786, 801, 802, 803, 804, 805, 806, 808, 810, 812, 813, 814, 815,
    816, 817, 818, 820, 821, 826, 828, 830, 831, 832, 835, 838, 839, 840, 843, 845, 847, 848, 850, 854, 856, 857, 858,
    859, 860, 862, 863, 864, 865, 870, 872, 878, 901, 903, 904, 906, 907, 908, 909, 910, 912, 913, 914, 915, 916, 917,
    918, 919, 920, 925, 928, 929, 930, 931, 934, 936, 937, 938, 940, 941, 943, 945, 947, 948, 949, 951, 952, 954, 956,
    959, 970, 971, 972, 973, 975, 978, 979, 980, 983, 984, 985, 986, 989,
];

/// Area codes of Canada.
pub(super) const CANADA_AREAS: [u16; 55] = [
    204, 226, 236, 249, 250, 257, 263, 289, 306, 343, 354, 365, 367, 368, 382, 403, 416, 418, 428, 431, 437, 438, 450,
    468, 474, 506, 514, 519, 548, 579, 581, 584, 587, 604, 613, 639, 647, 672, 683, 705, 709, 742, 753, 778, 780, 782,
    807, 819, 825, 867, 873, 879, 902, 905, 942,
];
