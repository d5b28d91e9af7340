package feed

// A line of the file, a geofeed (RFC 8805):
//
//	2600:3c00::/32,US,US-TX,Richardson,
var linode = Feed{
	Name:  "linode",
	URL:   "https://geoip.linode.com/",
	Short: "Linode (Akamai): addresses customers can rent, by place",
	Parse: parser("linode", readLinode),
	read:  readLinode,
}

var readLinode = listReader("linode", "cloud")
