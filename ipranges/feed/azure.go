package feed

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"tripline/ipranges"
)

// One tag of the service tags file (Azure documentation, "Virtual network
// service tags"):
//
//	{"name": "Storage.EastUS", "id": "Storage.EastUS", "properties": {"changeNumber": 12, "region": "eastus",
//	 "regionId": 32, "platform": "Azure", "systemService": "AzureStorage", "addressPrefixes": ["20.38.98.0/24"]}}
//
// The file has a new name every week. The one that is always called Latest is
// not documented, so the page that links to the dated one is there for the day
// it vanishes, and the names of the last Mondays for that on which the page is
// made anew.
var azure = Feed{
	Name:  "azure",
	URL:   "https://download.microsoft.com/download/7/1/D/71D86715-5596-4529-9B13-DA13A5DE5B63/ServiceTags_Public_Latest.json",
	Short: "Microsoft Azure: service tags and regions",
	Parse: parser("azure", readAzure),
	page:  "https://www.microsoft.com/en-us/download/details.aspx?id=56519",
	dated: "https://download.microsoft.com/download/7/1/D/71D86715-5596-4529-9B13-DA13A5DE5B63/ServiceTags_Public_YYYYMMDD.json",
	// A cloud, one of its regions, and the front of customers' sites.
	canaries: addrs("4.156.0.1", "13.107.213.1"),
	services: []string{"AzureCloud", "AzureCloud/eastus", "AzureFrontDoor.Frontend", "Storage", "Storage/eastus"},
	read:     readAzure,
	like: func(head string) bool {
		return strings.Contains(head, `"changeNumber"`) && strings.Contains(head, `"cloud"`)
	},
}

var readAzure = reader[azureDocument]()

type azureDocument struct {
	ChangeNumber int        `json:"changeNumber"`
	Cloud        string     `json:"cloud"`
	Values       []azureTag `json:"values"`
}

type azureTag struct {
	Name       string `json:"name"`
	Properties struct {
		Region   string   `json:"region"`
		Prefixes []string `json:"addressPrefixes"`
	} `json:"properties"`
}

func (d *azureDocument) shape() error {
	switch {
	case d.Values == nil:
		return errors.New(`no "values"`)
	case d.Cloud != "Public":
		return fmt.Errorf(`"cloud" is %.30q, want "Public"`, d.Cloud)
	}
	return nil
}

func (d *azureDocument) entries() iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for i, tag := range d.Values {
			if !tag.entries(i, yield) {
				return
			}
		}
	}
}

func (t azureTag) entries(i int, yield func(entry) bool) bool {
	list := "values[" + strconv.Itoa(i) + "].addressPrefixes"
	label := t.label()
	if label.Service == "" || t.Properties.Prefixes == nil {
		err := fmt.Errorf(`no "name" or no "addressPrefixes" in tag %.60q`, t.Name)
		return yield(entry{list: "values", index: i, err: err})
	}
	for j, p := range t.Properties.Prefixes {
		if !yield(entry{list: list, index: j, prefix: p, label: label}) {
			return false
		}
	}
	return true
}

// label joins on properties.region: the name spells it in other letters, or as
// another word. A dot alone does not make a tag regional
// (AzureFrontDoor.Frontend).
func (t azureTag) label() ipranges.Label {
	service := t.Name
	if i := strings.LastIndexByte(service, '.'); i > 0 && t.Properties.Region != "" {
		service = service[:i]
	}
	return ipranges.Label{Provider: "azure", Service: service, Region: t.Properties.Region}
}

// edition has no date: the file does not say when it was made.
func (d *azureDocument) edition() Edition {
	return Edition{Token: strconv.Itoa(d.ChangeNumber)}
}
